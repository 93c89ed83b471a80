module encoder

go 1.25
