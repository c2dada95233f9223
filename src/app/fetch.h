/*
 * One request over HTTP/1.1, blocking, for commands that ask a running neap.
 */
#ifndef NEAP_APP_FETCH_H
#define NEAP_APP_FETCH_H

#include "base/err.h"
#include "base/str.h"
#include "net/addr.h"

enum { FETCH_TOKEN_MAX = 512 };

struct fetched {
	char *bytes; /* the whole answer; the caller frees it, also after a failure */
	struct str body;
};

/* ERR_GONE: nobody is there, or it does not answer in time; ERR_INVALID: it answers otherwise. */
enum err fetch(const struct addr *a, const char *path, struct fetched *f, struct error *e);

/* A request that may need the token (NULL: without it). Its body is JSON, or empty. */
struct fetch_order {
	const char *method, *path, *token;
	struct str body;
};
enum err fetch_do(const struct addr *a, const struct fetch_order *o, struct fetched *f,
		  struct error *e);

#endif
