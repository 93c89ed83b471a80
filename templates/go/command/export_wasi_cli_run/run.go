// Package export_wasi_cli_run greets whoever is named on the command line.
package export_wasi_cli_run

import (
	"fmt"

	"example.com/{{name}}/greeting"
	environment "example.com/{{name}}/wasi_cli_environment"

	. "go.bytecodealliance.org/pkg/wit/types"
)

func Run() Result[Unit, Unit] {
	name := "world"
	if arguments := environment.GetArguments(); len(arguments) > 1 {
		name = arguments[1]
	}
	fmt.Println(greeting.For(name))
	return Ok[Unit, Unit](Unit{})
}
