//! Welded components behave as before, run side by side. These tests are here and not next to
//! `weld` because they need an engine.

use std::borrow::Cow;

use keyway_component::weld;
use wasmtime::{
    Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, Linker},
};

use super::*;

/// What `run` of the component returns, as it is compiled for requests.
fn run(component: &[u8]) -> u32 {
    let mut config = compile_settings(AddressSpace::Ample, Calls::Concurrent, Purpose::Requests);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(4).max_memory_size(1 << 20).max_tables_per_module(u32::MAX);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).expect("an engine");
    let component = Component::new(&engine, component).expect("it is compiled");
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance =
        futures::executor::block_on(Linker::new(&engine).instantiate_async(&mut store, &component));
    let instance = instance.expect("it imports nothing");
    let function = instance.get_typed_func::<(), (u32,)>(&mut store, "run").expect("it has it");
    futures::executor::block_on(function.call_async(&mut store, ())).expect("it returns").0
}

/// `run` returns this, welded or not.
fn returns(expected: u32, text: &str) {
    let component = wat::parse_str(text).expect("it is WebAssembly text");
    let Cow::Owned(welded) = weld(&component) else { panic!("it should be welded") };
    assert_eq!(run(&component), expected);
    assert_eq!(run(&welded), expected);
}

/// The same, of three modules, each of which gets what the ones before it export.
fn of_three(expected: u32, [first, second, third]: [&str; 3]) {
    returns(
        expected,
        &format!(
            r#"(component
                (core module $first {first})
                (core module $second {second})
                (core module $third {third})
                (core instance $first (instantiate $first))
                (core instance $second (instantiate $second (with "1" (instance $first))))
                (core instance $third (instantiate $third
                    (with "1" (instance $first)) (with "2" (instance $second))))
                (func (export "run") (result u32) (canon lift (core func $third "run"))))"#
        ),
    );
}

#[test]
fn what_may_be_used_is_known_to_the_engine() {
    for calls in [Calls::Synchronous, Calls::Concurrent] {
        for name in keyway_component::features(calls == Calls::Concurrent) {
            assert!(WasmFeatures::from_name(name).is_some(), "{name}");
        }
        for purpose in [Purpose::Requests, Purpose::Command { timed: false, fuel: true }] {
            let config = compile_settings(AddressSpace::Ample, calls, purpose);
            Engine::new(&config).expect("the engine has all of it");
        }
    }
}

#[test]
fn modules_start_in_their_order_on_their_data() {
    let notes = |digit: u32| {
        format!(
            "(func $start (i32.store (i32.const 0)
                (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 10)) (i32.const {digit}))))
            (start $start)"
        )
    };
    let memory = r#"(memory (export "memory") 1) (data (i32.const 0) "\07")"#;
    let import = r#"(import "1" "memory" (memory 1))"#;
    of_three(
        7123,
        [
            &format!("{memory} {}", notes(1)),
            &format!("{import} {}", notes(2)),
            &format!(
                r#"{import} {} (func (export "run") (result i32) (i32.load (i32.const 0)))"#,
                notes(3)
            ),
        ],
    );
}

#[test]
fn each_module_calls_by_its_own_table() {
    let module = |number: u32, more: &str| {
        format!(
            "{more} (type $number (func (result i32)))
            (table 2 funcref) (elem (i32.const 1) $number)
            (func $number (result i32) (i32.const {number}))
            (func $call (export \"call\") (result i32)
                (call_indirect (type $number) (i32.const 1)))"
        )
    };
    of_three(
        42,
        [
            &module(40, r#"(memory (export "memory") 1)"#),
            &module(2, r#"(import "1" "memory" (memory 0))"#),
            r#"(import "1" "call" (func $one (result i32)))
                (import "2" "call" (func $two (result i32)))
                (func (export "run") (result i32) (i32.add (call $one) (call $two)))"#,
        ],
    );
}

#[test]
fn what_is_passed_on_and_what_is_shared_stays_the_same() {
    of_three(
        6,
        [
            r#"(memory (export "memory") 1) (table (export "table") 3 funcref)
                (global $count (export "count") (mut i32) (i32.const 3))
                (func (export "again") (result i32) (global.get $count))"#,
            r#"(import "1" "memory" (memory $memory 1)) (export "memory" (memory $memory))
                (import "1" "again" (func $again (result i32))) (export "again" (func $again))
                (import "1" "table" (table $table 3 funcref))
                (elem (table $table) (i32.const 2) func $again)
                (global i32 (i32.const 9))"#,
            r#"(import "2" "memory" (memory 1)) (import "2" "again" (func $again (result i32)))
                (import "1" "count" (global $count (mut i32)))
                (import "1" "table" (table 3 funcref))
                (func (export "run") (result i32)
                    (drop (memory.grow (i32.const 1)))
                    (global.set $count (memory.size))
                    (i32.mul
                        (i32.add (call $again) (i32.const 1))
                        (call_indirect (result i32) (i32.const 2))))"#,
        ],
    );
}

#[test]
fn a_shim_and_what_allocates_are_called_as_before() {
    returns(
        u32::from(b's') + 5,
        r#"(component
            (component $names
                (core module $m (memory (export "memory") 1) (data (i32.const 16) "seven")
                    (func (export "name") (result i32)
                        (i32.store (i32.const 0) (i32.const 16))
                        (i32.store (i32.const 4) (i32.const 5))
                        (i32.const 0)))
                (core instance $i (instantiate $m))
                (func (export "name") (result string)
                    (canon lift (core func $i "name") (memory (core memory $i "memory")))))
            (component $program
                (import "name" (func $name (result string)))
                (core module $shims (type $t (func (param i32)))
                    (table (export "table") 1 1 funcref)
                    (func (export "0") (type $t)
                        local.get 0 i32.const 0 call_indirect (type $t)))
                (core module $main (import "host" "name" (func $name (param i32)))
                    (memory (export "memory") 1)
                    (global $next (mut i32) (i32.const 1024))
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                        (global.get $next)
                        (global.set $next (i32.add (global.get $next) (local.get 3))))
                    (func (export "run") (result i32)
                        (call $name (i32.const 8))
                        (i32.add
                            (i32.load8_u (i32.load (i32.const 8)))
                            (i32.load (i32.const 12)))))
                (core module $filler (type $t (func (param i32)))
                    (import "" "0" (func $f (type $t))) (import "" "table" (table 1 1 funcref))
                    (elem (i32.const 0) func $f))
                (core instance $shims (instantiate $shims))
                (core instance $host (export "name" (func $shims "0")))
                (core instance $main (instantiate $main (with "host" (instance $host))))
                (core func $lowered (canon lower (func $name)
                    (memory (core memory $main "memory")) (realloc (core func $main "realloc"))))
                (core instance $arguments
                    (export "0" (func $lowered)) (export "table" (table $shims "table")))
                (core instance (instantiate $filler (with "" (instance $arguments))))
                (func (export "run") (result u32) (canon lift (core func $main "run"))))
            (instance $names (instantiate $names))
            (instance $program (instantiate $program (with "name" (func $names "name"))))
            (export "run" (func $program "run")))"#,
    );
}

#[test]
fn a_resource_ends_in_the_module_that_has_it() {
    returns(
        42,
        r#"(component
            (core module $main (memory (export "memory") 1)
                (func (export "end") (param i32) (i32.store (i32.const 0) (local.get 0))))
            (core module $user
                (import "" "new" (func $new (param i32) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (import "" "memory" (memory 1))
                (func (export "run") (result i32)
                    (call $drop (call $new (i32.const 41)))
                    (i32.add (i32.load (i32.const 0)) (i32.const 1))))
            (core module $last)
            (core instance $main (instantiate $main))
            (type $thing (resource (rep i32) (dtor (core func $main "end"))))
            (core func $new (canon resource.new $thing))
            (core func $drop (canon resource.drop $thing))
            (core instance $arguments (export "new" (func $new)) (export "drop" (func $drop))
                (export "memory" (memory $main "memory")))
            (core instance $user (instantiate $user (with "" (instance $arguments))))
            (core instance (instantiate $last))
            (func (export "run") (result u32) (canon lift (core func $user "run"))))"#,
    );
}
