"""My microservice wrapper."""

import os

from BitlyOAuth2ProxySession import Session
from flask import jsonify, request

from apikit import APIFlask, BackendError

backenduri = os.environ.get("BACKEND_URL", "https://myservice.lsst.codes")
session_url = os.environ.get("SESSION_URL")  # None: GitHub's


def server(run_standalone=False):
    """Create the app and, if invoked standalone, run it."""
    app = APIFlask(
        name="uservice-mymicroservice",
        version="0.0.1",
        repository="https://github.com/sqre-lsst/uservice-mymicroservice",
        description="My delightful microservice",
        route=["/", "/mymicroservice"],
        auth={
            "type": "bitly-proxy",
            "data": {"username": "", "password": "", "endpoint": backenduri + "/oauth2/start"},
        },
    )
    app.config["SESSION"] = (None, None)  # whose it is, and the session

    @app.errorhandler(BackendError)
    def handle_invalid_usage(error):
        """Bubble up the status code, jsonify the rest."""
        response = jsonify(error.to_dict())
        response.status_code = error.status_code
        return response

    @app.route("/")
    def healthcheck():
        """Keep the Ingress controller happy."""
        return "OK"

    @app.route("/<jobname>/<metric>")
    @app.route("/mymicroservice/<jobname>/<metric>")
    def get_metric_for_job(jobname, metric):
        """Retrieve the metric and format it with JSON for return."""
        caller = request.authorization
        if caller is None:
            raise BackendError("Unauthorized", 401, "No authorization provided.")
        owner, session = app.config["SESSION"]
        if owner != (caller.username, caller.password):
            session = _reauth(app, caller.username, caller.password)
        url = backenduri + "/api"
        params = {"metric": metric, "job": jobname}
        resp = session.get(url, params=params)
        if resp.status_code in (401, 403):
            # The session may have expired: log in anew.
            session = _reauth(app, caller.username, caller.password)
            resp = session.get(url, params=params)
        if resp.status_code != 200:
            raise BackendError(resp.reason, resp.status_code, resp.text)
        return jsonify({"jobname": jobname, "metric": metric, "value": resp.text})

    if run_standalone:
        app.run(host="0.0.0.0", threaded=True)
    return app


def _reauth(app, username, password):
    """Get a session with authentication data, and keep it for its owner's next call."""
    session = Session.Session(
        oauth2_username=username,
        oauth2_password=password,
        authentication_session_url=session_url,
        authentication_base_url=app.config["AUTH"]["data"]["endpoint"],
    )
    # Asked for JSON, the proxy refuses with 401 instead of a page for people.
    session.headers["Accept"] = "application/json, text/plain"
    app.config["SESSION"] = (username, password), session
    return session


def standalone():
    """Run standalone; makes the entry point a little prettier."""
    server(run_standalone=True)


if __name__ == "__main__":
    standalone()
