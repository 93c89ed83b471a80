// Greets whoever is named on the command line.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "greeting.h"

bool exports_wasi_cli_run_run(void) {
    command_list_string_t arguments;
    wasi_cli_environment_get_arguments(&arguments);
    command_string_t name;
    command_string_set(&name, "world");
    if (arguments.len > 1) {
        name = arguments.ptr[1];
    }
    size_t length;
    char *text = greeting((const char *)name.ptr, name.len, &length);
    printf("%.*s\n", (int)length, text);
    free(text);
    command_list_string_free(&arguments);
    // A component does not exit like a program: write out what is buffered.
    return fflush(stdout) == 0;
}
