#!/usr/bin/env python
"""My microservice wrapper."""
# The example of the technote SQR-023 (https://sqr-023.lsst.io), put together as it says, with
# three slips mended: its indentation, `resp.text()`, and a `server()` that returned nothing.
# Tests run it to show that it runs. It is no example to follow: under threads its one session
# answers callers with each other's data.

from flask import jsonify, request
from apikit import APIFlask,BackendError
from BitlyOAuth2ProxySession import Session


def server(run_standalone=False):
    backenduri = "https://myservice.lsst.codes"
    app = APIFlask(name="uservice-mymicroservice",
                   version="0.0.1",
                   repository="https://github.com/sqre-lsst/" +
                       "uservice-mymicroservice",
                   description="My delightful microservice",
                   route=["/", "/mymicroservice"],
                   auth={"type": "bitly-proxy",
                         "data": { "username": "",
                                   "password": "",
                                   "endpoint": backenduri +
                                       "/oauth2/start" } })

    app.config["SESSION"] = None

    @app.errorhandler(BackendError)
    def handle_invalid_usage(error):
        """Custom error handler; bubble up status code, jsonify rest."""
        response = jsonify(error.to_dict())
        response.status_code = error.status_code
        return response

    @app.route("/")
    def healthcheck():
        """Default route to keep Ingress controller happy."""
        return "OK"

    # Route it to the root too, in case we want to put it behind nginx
    #  or HAProxy or something that can do path rewriting.
    @app.route("/<jobname>/<metric>")
    @app.route("/mymicroservice/<jobname>/<metric>")
    def get_metric_for_job(metric=None, jobname=None):
        """Retrieve the metric and format it with JSON for return."""
        # Create a custom error if metric or jobname are not specified
        if metric is None or not metric or jobname is None or not jobname:
            raise BackendError(reason="Bad Request",
                               status_code=400,
                               content="Must specify metric and jobname.")
        # If we have authorization on the request, try to use it
        if request.authorization is not None:
            inboundauth = request.authorization
            currentuser = app.config["AUTH"]["data"]["username"]
            currentpw = app.config["AUTH"]["data"]["password"]
            # If we are already using this user/pw, don't bother.
            if currentuser != inboundauth.username or \
               currentpw != inboundauth.password:
                _reauth(app, inboundauth.username, inboundauth.password)
        else:
            raise BackendError(reason="Unauthorized", status_code=401,
                               content="No authorization provided.")
        session = app.config["SESSION"]
        url = backenduri + "/api"
        params = { "metric": metric,
                   "job": jobname }
        resp = session.get(url, params=params)
        if resp.status_code == 403 or resp.status_code == 401:
            # Try to reauth
            _reauth(app, inboundauth.username, inboundauth.password)
            session = app.config["SESSION"]
            resp = session.get(url, params=params)
        if resp.status_code == 200:
            # Success!
            rdict = { "metric": metric,
                      "jobname": jobname,
                      "value": resp.text }
            return jsonify(rdict)
        else:
            raise BackendError(reason=resp.reason,
                               status_code=resp.status_code,
                               content=resp.text)

    if run_standalone:
        app.run(host='0.0.0.0', threaded=True)
    return app


def _reauth(app, username, password):
    """Get a session with authentication data"""
    oaep = app.config["AUTH"]["data"]["endpoint"]
    # Session here comes from BitlyOAuth2Proxy
    session = Session.Session(oauth2_username=username,
                              oauth2_password=password,
                              authentication_session_url=None,
                              authentication_base_url=oaep)
    session.authenticate()
    app.config["SESSION"] = session


def standalone():
    """Run standalone; makes setuptools invocation a little prettier."""
    server(run_standalone=True)


if __name__ == "__main__":
    standalone()
