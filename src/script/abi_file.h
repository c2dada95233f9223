/*
 * The contract between C and Lua (abi.h): files that the agent follows. They lie on a local disk: the
 * loop waits for it.
 */
#ifndef NEAP_SCRIPT_ABI_FILE_H
#define NEAP_SCRIPT_ABI_FILE_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/* 1: out has another text whenever the file is another one, or was written to. 0: why not. */
uint32_t neap_file_stamp(const char *path, size_t n);
/* 1: out has the bytes of a regular file; 0: why not. It may have `most` bytes. */
uint32_t neap_file_load(const char *path, size_t n, size_t most);

/* cdef end */

#endif
