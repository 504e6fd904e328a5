// Package crdb stands in for a module that Dex imports for CockroachDB: the tests keep Dex's
// data in memory, so nothing here is ever called.
package crdb

import (
	"database/sql"
	"errors"
)

// ExecuteTx refuses: there is no such database here.
func ExecuteTx(*sql.DB, func(*sql.Tx) error) error {
	return errors.New("CockroachDB is not built in")
}
