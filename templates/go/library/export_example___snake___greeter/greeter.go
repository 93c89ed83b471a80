// Package export_example_{{snake}}_greeter implements `example:{{name}}/greeter`, see
// `wit/world.wit`.
package export_example_{{snake}}_greeter

import "example.com/{{name}}/greeting"

func Greet(name string) string {
	return greeting.For(name)
}
