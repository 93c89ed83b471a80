import unittest

from greeting import greeting


class GreetingTest(unittest.TestCase):
    def test_somebody_is_greeted(self) -> None:
        self.assertEqual(greeting("Ada"), "Hello, Ada!")


if __name__ == "__main__":
    unittest.main()
