// Package greeting is what is said. It knows nothing of components.
package greeting

// For is a greeting for somebody.
func For(name string) string {
	return "Hello, " + name + "!"
}
