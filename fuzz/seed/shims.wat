;; Modules as tools put them together: shims, a program on its memory, and what fills the shims.
(component
  (import "host" (func $host (param "text" string)))
  (core module $shims
    (type $t (func (param i32 i32)))
    (table (export "table") 1 1 funcref)
    (func (export "0") (type $t) local.get 0 local.get 1 i32.const 0 call_indirect (type $t)))
  (core module $main
    (import "host" "host" (func $host (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "text")
    (func (export "run") (call $host (i32.const 16) (i32.const 4))))
  (core module $filler
    (type $t (func (param i32 i32)))
    (import "" "0" (func $f (type $t)))
    (import "" "table" (table 1 1 funcref))
    (elem (i32.const 0) func $f))
  (core instance $shims (instantiate $shims))
  (core instance $host (export "host" (func $shims "0")))
  (core instance $main (instantiate $main (with "host" (instance $host))))
  (core func $lowered (canon lower (func $host) (memory (core memory $main "memory"))))
  (core instance $arguments (export "0" (func $lowered)) (export "table" (table $shims "table")))
  (core instance (instantiate $filler (with "" (instance $arguments))))
  (func (export "run") (canon lift (core func $main "run"))))
