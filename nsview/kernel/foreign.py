"""Functions of the C library, called by that half of ctypes which is in C itself.

The other half makes sixty types, and loads struct and types: 4 ms, in the process that `enter` and
`run` wait for as in ourselves. The few names that are used of it do the same things here, and a
checker sees the originals.
"""

from __future__ import annotations

from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from ctypes import CDLL as CDLL
    from ctypes import PyDLL as PyDLL
    from ctypes import Structure as Structure
    from ctypes import addressof as addressof
    from ctypes import byref as byref
    from ctypes import c_char as c_char
    from ctypes import c_char_p as c_char_p
    from ctypes import c_int as c_int
    from ctypes import c_long as c_long
    from ctypes import c_size_t as c_size_t
    from ctypes import c_uint as c_uint
    from ctypes import c_ulong as c_ulong
    from ctypes import c_ushort as c_ushort
    from ctypes import c_void_p as c_void_p
    from ctypes import create_string_buffer as create_string_buffer
    from ctypes import get_errno as get_errno
    from ctypes import memmove as memmove
else:
    from _ctypes import (
        FUNCFLAG_CDECL,
        FUNCFLAG_PYTHONAPI,
        FUNCFLAG_USE_ERRNO,
        CFuncPtr,
        _memmove_addr,
        _SimpleCData,
        dlopen,
    )
    from _ctypes import Structure as Structure
    from _ctypes import addressof as addressof
    from _ctypes import byref as byref
    from _ctypes import get_errno as get_errno

    # Their letters are those of `struct`; z is a text that ends with a zero, P an address.
    c_char, c_ushort, c_int, c_uint, c_long, c_ulong, c_char_p, c_void_p = (
        type(f"c_{letter}", (_SimpleCData,), {"_type_": letter}) for letter in "cHiIlLzP"
    )
    c_size_t = c_ulong  # as on every Linux

    class _Function(CFuncPtr):
        _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
        _restype_ = c_int

    class _LockedFunction(CFuncPtr):
        _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO | FUNCFLAG_PYTHONAPI
        _restype_ = c_int

    class _Memmove(CFuncPtr):
        _flags_ = FUNCFLAG_CDECL
        _restype_ = c_void_p
        _argtypes_ = (c_void_p, c_void_p, c_size_t)

    memmove = _Memmove(_memmove_addr)

    class CDLL:
        """Functions of a library by their names; None is what the program itself has loaded."""

        _kind = _Function

        def __init__(self, name, *, use_errno):
            self._handle = dlopen(name, 0)

        def __getattr__(self, name):
            function = self._kind((name, self))
            setattr(self, name, function)
            return function

    class PyDLL(CDLL):
        """Those that are called without giving up the interpreter's lock."""

        _kind = _LockedFunction

    def create_string_buffer(size):
        """Memory of so many bytes."""
        return (c_char * size)()
