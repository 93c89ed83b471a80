;; A component with what belongs to calls at the same time, lists of fixed length and maps.
(component
  (type $future (future u32))
  (type $stream (stream (list u8 4)))
  (type $map (map string u32))
  (import "host" (instance
    (export "later" (func async (param "f" (future u32)) (result (stream u8))))
    (export "look" (func (param "m" (map string u32)) (result (list u8 4))))))
  (core func (canon future.new $future))
  (core func (canon stream.new $stream))
  (core func (canon backpressure.inc))
  (core func (canon waitable-set.new)))
