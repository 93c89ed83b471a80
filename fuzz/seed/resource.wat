;; A component that imports an interface with a resource, and a type of it by itself, and exports functions that
;; take and return it.
(component
  (import "a:b/t@1.2.0" (instance $t
    (export "r" (type $r (sub resource)))
    (export "[constructor]r" (func (result (own $r))))
    (export "[method]r.get" (func (param "self" (borrow $r)) (result string)))))
  (alias export $t "r" (type $r))
  (import "r" (type $named (eq $r)))
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "f") (param i32 i32 i32) (result i32) local.get 0))
  (core instance $i (instantiate $m))
  (type $choice (variant (case "none") (case "some" string)))
  (export $exported "choice" (type $choice))
  (func $f (param "r" (own $named)) (param "s" string) (result (own $named))
    (canon lift (core func $i "f") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc"))))
  (export "f" (func $f)))
