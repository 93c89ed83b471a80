;; A program that allocates for itself, as many runtimes do: it takes all memory that is there when it
;; begins, and takes what it grows to follow that. Ends with the number of the first thing that is not so.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 960) "hello ")
  (data (i32.const 970) "world\n")

  (func $check (param $is_so i32) (param $number i32)
    (if (i32.eqz (local.get $is_so)) (then (call $proc_exit (local.get $number)))))

  ;; Whether all bytes between two addresses are this one.
  (func $are (param $at i32) (param $end i32) (param $byte i32) (result i32)
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (local.get $at)) (local.get $byte)) (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    unreachable)

  ;; Before `_start`, as a module may.
  (func $early (call $check (i32.eqz (call $args_sizes_get (i32.const 0) (i32.const 4))) (i32.const 1)))
  (start $early)

  (func (export "_start")
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 3)) (i32.const 2))
    (call $check (i32.eq (memory.size) (i32.const 1)) (i32.const 3))
    (memory.fill (i32.const 1024) (i32.const 0xaa) (i32.const 0xfc00))
    (call $check (i32.eqz (call $args_get (i32.const 16) (i32.const 128))) (i32.const 4))
    (call $check (i32.eq (i32.load (i32.load (i32.const 20))) (i32.const 0x656e6f)) (i32.const 5))
    (call $check (i32.eq (i32.load8_u (i32.load (i32.const 24))) (i32.const 116)) (i32.const 6))
    (call $check (i32.eqz (call $environ_sizes_get (i32.const 0) (i32.const 4))) (i32.const 7))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 2)) (i32.const 8))
    (call $check (i32.eqz (call $environ_get (i32.const 32) (i32.const 256))) (i32.const 9))
    (call $check (i32.eq (i32.load (i32.load (i32.const 32))) (i32.const 0x313d41)) (i32.const 10))
    (call $check (i32.eq (i32.load (i32.load (i32.const 36))) (i32.const 0x323d42)) (i32.const 11))
    (call $check (call $are (i32.const 1024) (i32.const 65536) (i32.const 0xaa)) (i32.const 12))

    (call $check (i32.eq (memory.grow (i32.const 2)) (i32.const 1)) (i32.const 13))
    (call $check (call $are (i32.const 65536) (i32.const 196608) (i32.const 0)) (i32.const 14))
    (memory.fill (i32.const 65536) (i32.const 0xbb) (i32.const 131072))
    (i32.store (i32.const 512) (i32.const 960))
    (i32.store (i32.const 516) (i32.const 6))
    (i32.store (i32.const 520) (i32.const 970))
    (i32.store (i32.const 524) (i32.const 6))
    (call $check (i32.eqz (call $fd_write (i32.const 1) (i32.const 512) (i32.const 2) (i32.const 8)))
      (i32.const 15))
    (call $check (i32.eq (i32.load (i32.const 8)) (i32.const 12)) (i32.const 16))
    (call $check (i32.eqz (call $args_get (i32.const 16) (i32.const 128))) (i32.const 17))
    (call $check (call $are (i32.const 1024) (i32.const 65536) (i32.const 0xaa)) (i32.const 18))
    (call $check (call $are (i32.const 65536) (i32.const 196608) (i32.const 0xbb)) (i32.const 19))
    (call $check (i32.eq (memory.size) (i32.const 3)) (i32.const 20))))
