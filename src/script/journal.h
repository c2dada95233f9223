/*
 * What a person changed at run time, kept for the next agent of the same generation: one text on a
 * memfd of the master's. A process that dies while it writes leaves the text before.
 */
#ifndef NEAP_SCRIPT_JOURNAL_H
#define NEAP_SCRIPT_JOURNAL_H

#include "base/err.h"
#include "base/str.h"

/* Into *bytes, which the caller frees; NULL when nothing was written yet. */
enum err journal_read(int fd, char **bytes, size_t *n, struct error *e);
enum err journal_write(int fd, struct str bytes, struct error *e);

#endif
