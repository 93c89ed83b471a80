;; Writes and reads more at once than the adapter takes at once. Many programs do not look at how much was
;; written, and count on what holds natively: a buffer is written whole, and filled from a file whole.
;; Ends with the number of the first thing that is not so.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 20)
  (data (i32.const 2000) "f")
  (data (i32.const 2001) "a")
  (global $fd (mut i32) (i32.const 0))

  (func $check (param $is_so i32) (param $number i32)
    (if (i32.eqz (local.get $is_so)) (then (call $proc_exit (local.get $number)))))
  (func $piece (param $at i32) (param $of i32) (param $bytes i32)
    (i32.store (local.get $at) (local.get $of))
    (i32.store offset=4 (local.get $at) (local.get $bytes)))
  (func $open (param $name i32) (param $flags i32) (param $number i32)
    (call $check (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (local.get $name) (i32.const 1)
      (i32.const 1) (i64.const 0x1fffffff) (i64.const 0x1fffffff) (local.get $flags) (i32.const 0))) (local.get $number))
    (global.set $fd (i32.load (i32.const 0))))
  ;; Whether so many bytes are the same at both addresses.
  (func $same (param $a i32) (param $b i32) (param $left i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $left)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b))) (then (return (i32.const 0))))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (local.set $b (i32.add (local.get $b) (i32.const 1)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next))
    unreachable)

  (func (export "_start") (local $i i32)
    ;; 200,000 letters, which do not repeat at a power of two.
    (loop $next
      (i32.store8 offset=100000 (local.get $i)
        (i32.add (i32.const 97) (i32.rem_u (i32.add (local.get $i) (i32.div_u (local.get $i) (i32.const 26))) (i32.const 26))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 200000))))

    (call $piece (i32.const 100) (i32.const 100000) (i32.const 200000))
    (call $check (i32.eqz (call $fd_write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 0))) (i32.const 1))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 2))
    (call $open (i32.const 2000) (i32.const 0) (i32.const 3))
    (call $check (i32.eqz (call $fd_write (global.get $fd) (i32.const 100) (i32.const 1) (i32.const 0))) (i32.const 4))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 5))
    (call $check (i32.eqz (call $fd_tell (global.get $fd) (i32.const 0))) (i32.const 6))
    (call $check (i64.eq (i64.load (i32.const 0)) (i64.const 200000)) (i32.const 7))

    ;; Into two pieces, of which the second has room left.
    (call $check (i32.eqz (call $fd_seek (global.get $fd) (i64.const 0) (i32.const 0) (i32.const 0))) (i32.const 8))
    (call $piece (i32.const 200) (i32.const 400000) (i32.const 70001))
    (call $piece (i32.const 208) (i32.const 500000) (i32.const 150000))
    (call $check (i32.eqz (call $fd_read (global.get $fd) (i32.const 200) (i32.const 2) (i32.const 0))) (i32.const 9))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 10))
    (call $check (call $same (i32.const 100000) (i32.const 400000) (i32.const 70001)) (i32.const 11))
    (call $check (call $same (i32.const 170001) (i32.const 500000) (i32.const 129999)) (i32.const 12))
    (call $check (i32.eqz (i32.load8_u (i32.const 629999))) (i32.const 13))
    (call $check (i32.eqz (call $fd_tell (global.get $fd) (i32.const 0))) (i32.const 14))
    (call $check (i64.eq (i64.load (i32.const 0)) (i64.const 200000)) (i32.const 15))
    (call $check (i32.eqz (call $fd_read (global.get $fd) (i32.const 200) (i32.const 2) (i32.const 0))) (i32.const 16))
    (call $check (i32.eqz (i32.load (i32.const 0))) (i32.const 17))

    ;; At a place, which stays where it is.
    (call $piece (i32.const 200) (i32.const 700000) (i32.const 190000))
    (call $check (i32.eqz (call $fd_pread (global.get $fd) (i32.const 200) (i32.const 1) (i64.const 5000) (i32.const 0))) (i32.const 18))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 190000)) (i32.const 19))
    (call $check (call $same (i32.const 105000) (i32.const 700000) (i32.const 190000)) (i32.const 20))
    (call $check (i32.eqz (call $fd_pwrite (global.get $fd) (i32.const 100) (i32.const 1) (i64.const 100000) (i32.const 0))) (i32.const 21))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 22))
    (call $check (i32.eqz (call $fd_tell (global.get $fd) (i32.const 0))) (i32.const 23))
    (call $check (i64.eq (i64.load (i32.const 0)) (i64.const 200000)) (i32.const 24))

    ;; To a file that only grows.
    (call $open (i32.const 2001) (i32.const 1) (i32.const 25))
    (call $check (i32.eqz (call $fd_pwrite (global.get $fd) (i32.const 100) (i32.const 1) (i64.const 0) (i32.const 0))) (i32.const 26))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 27))
    (call $check (i32.eqz (call $fd_write (global.get $fd) (i32.const 100) (i32.const 1) (i32.const 0))) (i32.const 28))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 200000)) (i32.const 29))

    ;; More than there is memory: one piece, many times.
    (local.set $i (i32.const 0))
    (loop $next
      (call $piece (i32.add (i32.const 900000) (i32.mul (local.get $i) (i32.const 8))) (i32.const 100000) (i32.const 200000))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 10))))
    (call $check (i32.eqz (call $fd_write (global.get $fd) (i32.const 900000) (i32.const 10) (i32.const 0))) (i32.const 30))
    (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 2000000)) (i32.const 31))))
