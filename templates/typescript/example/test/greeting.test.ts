import assert from 'node:assert/strict';
import { test } from 'node:test';

import { greeting } from '../src/greeting.ts';

test('somebody is greeted', () => {
  assert.equal(greeting('Ada'), 'Hello, Ada!');
});
