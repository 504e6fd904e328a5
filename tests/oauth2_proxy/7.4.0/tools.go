//go:build tools

// Package tools pins the oauth2-proxy that the tests and the demo run; tests/servers/proxy.py
// builds it from here.
package tools

import _ "github.com/oauth2-proxy/oauth2-proxy/v7"
