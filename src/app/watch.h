/*
 * --watch: the files of a generation (config, policies, modules), compared with what was read of
 * them whenever something happens in their folders. Folders are watched, not files: editors write
 * another file and rename it.
 */
#ifndef NEAP_APP_WATCH_H
#define NEAP_APP_WATCH_H

#include "base/err.h"
#include "net/loop.h"

struct watch_file {
	char *path;    /* absolute */
	uint64_t hash; /* of what was read; 0: it was not there */
};

struct watch {
	struct loop *loop;
	const char *folder; /* what relative paths are relative to */
	int fd;		    /* inotify; -1: not open */
	ev_io reader;
	ev_timer settle;  /* a moment without further events */
	int64_t first_ms; /* of the events that settle waits behind */
	struct watch_file *files;
	unsigned files_n;
	void *owner;
	void (*on_change)(struct watch *self, const char *path);
};

/* The caller has set folder, owner and on_change. */
enum err watch_open(struct watch *w, struct loop *loop, struct error *e);
void watch_close(struct watch *w); /* harmless when closed */

/*
 * The files that were kept in memfd (bundle.h) are those to watch, beside or (is_new) instead of
 * those before. What is on the disk now and differs is told soon.
 */
void watch_follow(struct watch *w, int memfd, bool is_new);

#endif
