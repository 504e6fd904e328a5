//go:build tools

// Package tools pins the Dex that the tests run.
package tools

import _ "github.com/dexidp/dex/cmd/dex"
