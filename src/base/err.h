/*
 * Errors as values: functions that can fail return an enum err (0 = fine); where a person will
 * read about it they also fill a struct error with words: what, where, why, what to do.
 */
#ifndef NEAP_BASE_ERR_H
#define NEAP_BASE_ERR_H

#include "base/cc.h"

enum err {
	ERR_OK = 0,
	ERR_MEMORY,  /* an allocation or a slab's cap */
	ERR_INVALID, /* the input is wrong */
	ERR_LIMIT,   /* a stated limit was reached */
	ERR_SYSTEM,  /* a system call failed, errno is in the text */
	ERR_SCRIPT,  /* a Lua script failed */
	ERR_GONE,    /* the other side or the object is no longer there */
};

struct error {
	enum err code;
	char text[1024]; /* one line, zero terminated */
};

/*
 * Fills *E (which may be NULL) and returns CODE. Too long a text is cut. E's own former text may be
 * among the values: err_set(e, code, "%s: %s", file, e->text) puts words in front of it.
 */
enum err err_set(struct error *e, enum err code, const char *format, ...) printf_like(3, 4);

/* The same, with ": <strerror(sys)>" at its end; the code is ERR_SYSTEM. */
enum err err_sys(struct error *e, int sys, const char *format, ...) printf_like(3, 4);

/* A short name for logs: "memory", "invalid", … */
const char *err_name(enum err code);

#endif
