from tests.work.stores import stores

__all__ = ["stores"]
