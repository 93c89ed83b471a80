package main

import (
	"runtime/debug"
	"runtime/metrics"
)

// What a heap may grow to before garbage is collected for the first time, in bytes.
const smallHeap = 4 << 20

// Beyond this, collecting at a wrong moment is better than running out of memory.
const largeHeap = 96 << 20

var heap = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}

var heapLimit uint64 = smallHeap

func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(largeHeap)
}

// Collects when the heap has doubled since the last time.
func collectGarbage() {
	metrics.Read(heap)
	if heap[0].Value.Uint64() < heapLimit {
		return
	}
	runtime.GC()
	metrics.Read(heap)
	heapLimit = max(smallHeap, 2*heap[0].Value.Uint64())
}
