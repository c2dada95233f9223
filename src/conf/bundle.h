/*
 * The files of one generation: the bytes of the config and of every Lua file it loads, as they were
 * when the agent read them, in a memfd that the master makes. Workers, and workers started again
 * later, load exactly those, whatever happened to the files since.
 */
#ifndef NEAP_CONF_BUNDLE_H
#define NEAP_CONF_BUNDLE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct bundle;

/*
 * An empty one on memfd that the agent fills while it loads. memfd -1: memory only (check, tests).
 */
enum err bundle_create(struct bundle **b, int memfd, struct error *e);

/*
 * From here on files are opened with the rights of this user (borrowed), not of the one that
 * started neap: an error for want of rights names the user.
 */
void bundle_set_user(struct bundle *b, const char *user);

/* Opens files that this process has no right to open. */
struct bundle_lender {
	int (*open)(void *ctx, const char *path); /* a descriptor, or -1 with errno */
	void (*end)(void *ctx);
	void *ctx; /* borrowed */
};
void bundle_borrow(struct bundle *b, struct bundle_lender lender);

/* No more files are needed. Harmless without a lender. */
void bundle_end_loan(struct bundle *b);

/* What an agent wrote to memfd, read only. */
enum err bundle_open(struct bundle **b, int memfd, struct error *e);
void bundle_destroy(struct bundle *b);

/*
 * The bytes of the file at path (absolute, or relative to nothing but what the agent used). When
 * filling: read from disk at first use, at most 16 MiB, regular files only, a warning when others
 * may write to it. When read only: what was kept, or an error.
 */
enum err bundle_read(struct bundle *b, const char *path, struct str *bytes, struct error *e);

/* What a file is for: who else may do what with it decides whether there is a warning. */
enum bundle_use {
	BUNDLE_CODE,   /* what it says runs here */
	BUNDLE_PUBLIC, /* everybody may know it: certificates */
	BUNDLE_SECRET, /* keys */
};

/* The same for such a file; bundle_read is for code. */
enum err bundle_read_as(struct bundle *b, enum bundle_use use, const char *path, struct str *bytes,
			struct error *e);

/* Was it read as a secret, from a file that everybody on the machine may read? Only when filling. */
bool bundle_is_exposed(const struct bundle *b, const char *path);

/*
 * What is in the folder at path, which ends in "/": the names of its files in their order, each with
 * a line feed after it, but for hidden ones. It is kept like the bytes of a file.
 */
enum err bundle_list(struct bundle *b, const char *path, struct str *names, struct error *e);

/* Puts bytes under a name that is no file (the command line's backends). Copied. */
enum err bundle_put(struct bundle *b, const char *path, struct str bytes, struct error *e);

/* Calls fn with each file, in the order in which they were read. */
void bundle_each(const struct bundle *b, void (*fn)(void *ctx, const char *path, struct str bytes),
		 void *ctx);

/* Is there such a file, without reading it (filling: on disk; read only: kept)? */
bool bundle_has(struct bundle *b, const char *path);

/* Is it kept already? Disks are not looked at. */
bool bundle_keeps(const struct bundle *b, const char *path);

#endif
