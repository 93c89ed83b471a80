// Package greeting makes the greeting. It does not depend on components.
package greeting

// For returns a greeting for a name.
func For(name string) string {
	return "Hello, " + name + "!"
}
