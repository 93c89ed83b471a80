package greeting

import "testing"

func TestSomebodyIsGreeted(t *testing.T) {
	if said := For("Ada"); said != "Hello, Ada!" {
		t.Errorf("said %q", said)
	}
}
