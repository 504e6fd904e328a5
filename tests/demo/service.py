"""My microservice wrapper."""

import os

from apikit import APIFlask, Backend

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
        auth={"type": "bitly-proxy", "data": {"endpoint": backenduri + "/oauth2/start"}},
    )
    backend = Backend(backenduri, app=app, session_url=session_url, bearer=True)

    @app.route("/")
    def healthcheck():
        """Keep the Ingress controller happy."""
        return "OK"

    @app.route("/<jobname>/<metric>")
    @app.route("/mymicroservice/<jobname>/<metric>")
    def get_metric_for_job(jobname, metric):
        """Retrieve the metric and format it with JSON for return."""
        resp = backend.get("/api", params={"metric": metric, "job": jobname})
        return {"metric": metric, "jobname": jobname, "value": resp.text}

    if run_standalone:
        app.run(host="0.0.0.0", threaded=True)
    return app


def standalone():
    """Run standalone; makes the entry point a little prettier."""
    server(run_standalone=True)


if __name__ == "__main__":
    standalone()
