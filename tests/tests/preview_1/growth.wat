;; Has buffers filled that grow page by page. Ends with the number of the first that is not.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 24)
  (func (export "_start") (local $pages i32) (local $bytes i32)
    (loop $next
      (local.set $pages (i32.add (local.get $pages) (i32.const 1)))
      (local.set $bytes (i32.shl (local.get $pages) (i32.const 16)))
      (i64.store (i32.sub (local.get $bytes) (i32.const 8)) (i64.const 0))
      (if (call $random_get (i32.const 0) (local.get $bytes)) (then (call $proc_exit (local.get $pages))))
      (if (i64.eqz (i64.load (i32.sub (local.get $bytes) (i32.const 8)))) (then (call $proc_exit (local.get $pages))))
      (br_if $next (i32.lt_u (local.get $pages) (i32.const 20))))))
