/*
 * What an agent leaves to the next one (lua/neap/agent/journal.lua): one text on a memfd that the
 * master makes for each generation. It is read by the next agent of the same generation, and by the
 * first agent of the next generation. If a process dies while it writes, the text before stays.
 */
#ifndef NEAP_LUA_JOURNAL_H
#define NEAP_LUA_JOURNAL_H

#include "base/err.h"
#include "base/str.h"

/* Into *bytes, which the caller frees; NULL when nothing was written yet. */
enum err journal_read(int fd, char **bytes, size_t *n, struct error *e);
enum err journal_write(int fd, struct str bytes, struct error *e);

#endif
