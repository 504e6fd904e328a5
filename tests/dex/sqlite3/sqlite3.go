// Package sqlite3 stands in for a driver of much C that Dex imports: the tests keep Dex's data
// in memory, so only the names are wanted.
package sqlite3

// ErrNoExtended is the driver's number for what went wrong.
type ErrNoExtended int

// ErrConstraintPrimaryKey is the one number that Dex asks for.
const ErrConstraintPrimaryKey ErrNoExtended = 1555

// Error is the driver's error.
type Error struct{ ExtendedCode ErrNoExtended }

func (Error) Error() string { return "SQLite is not built in" }
