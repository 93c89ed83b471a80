module everything

go 1.25
