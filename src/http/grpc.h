/*
 * What gRPC adds to HTTP: the type of its content, the status that a call ends with and its message,
 * and the time that the client gives it. Texts and numbers only. After "gRPC over HTTP2" and "HTTP to
 * gRPC Status Code Mapping", which the gRPC project publishes.
 */
#ifndef NEAP_HTTP_GRPC_H
#define NEAP_HTTP_GRPC_H

#include "base/out.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names. Names: lua/neap/words.lua. */
enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
	GRPC_STATUSES, /* how many there are */
};
/* cdef end */

enum {
	GRPC_NONE = -1,		 /* no status is known */
	GRPC_MESSAGE_MAX = 1024, /* bytes of a message of ours, before they are encoded */
};

/* Is a message of this Content-Type gRPC's? "application/grpc", with "+proto" and the like; not
 * "application/grpc-web", which is another protocol. */
bool grpc_is_type(struct str content_type);

/* The value of a grpc-status field; GRPC_UNKNOWN for what is none of the known numbers. */
int grpc_status_of(struct str value);

/* "UNAVAILABLE"; "?" for what is none. */
const char *grpc_word(int status);

/* What an answer with this status of HTTP amounts to; never GRPC_OK. */
int grpc_of_http(uint16_t status);

/*
 * The value of a grpc-timeout field in microseconds, rounded up: one to eight digits and one of the
 * units HMSmun. false: it is malformed.
 */
bool grpc_timeout_of(struct str value, uint64_t *us);

enum { GRPC_TIMEOUT_BYTES = 9 };

/* Writes a grpc-timeout of so many microseconds, rounded down in the finest unit that has room for
 * it; its length. */
size_t grpc_write_timeout(char to[GRPC_TIMEOUT_BYTES], uint64_t us);

/* Writes text as the value of a grpc-message: percent-encoded, and at most GRPC_MESSAGE_MAX bytes of
 * it. */
void grpc_write_message(struct out *o, struct str text);

#endif
