/*
 * --watch. The files of a generation (config, policies, modules, certificates) are compared with
 * what was read of them whenever something happens in their folders. Folders are watched, not
 * files: editors write another file and rename it.
 */
#ifndef NEAP_FLEET_WATCH_H
#define NEAP_FLEET_WATCH_H

#include "base/err.h"
#include "net/loop.h"

struct watch_file {
	char *path;    /* absolute */
	uint64_t hash; /* of what was read; 0: it was not there */
};

struct watch {
	struct loop *loop;
	const char *folder; /* relative paths begin here */
	int fd;		    /* inotify; -1: not open */
	ev_io reader;
	ev_timer settle;  /* a moment without further events */
	int64_t first_ms; /* when the first of the events came that settle waits for */
	struct watch_file *files;
	unsigned files_n;
	void *owner;
	void (*on_change)(struct watch *self, const char *path);
};

/* The caller has set folder, owner and on_change. */
enum err watch_open(struct watch *w, struct loop *loop, struct error *e);
void watch_close(struct watch *w); /* harmless when closed */

/*
 * Watches the files that were kept in memfd and in that of the secrets (conf/bundle.h), beside those
 * before (add) or instead of them (follow). A difference between them and the disk is told soon.
 */
void watch_add(struct watch *w, int memfd, int secrets);
void watch_follow(struct watch *w, int memfd, int secrets);

#endif
