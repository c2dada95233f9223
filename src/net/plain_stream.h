/*
 * The row of streams whose bytes go over a connected socket as they are: TCP and unix sockets. Its
 * watcher asks the kernel exactly for what the owner watches.
 */
#ifndef NEAP_NET_PLAIN_STREAM_H
#define NEAP_NET_PLAIN_STREAM_H

#include "net/stream.h"

/* A stream over fd, which it owns from now on. Nothing is watched yet. */
void plain_stream_open(struct stream *s, struct loop *loop, int fd,
		       void (*on_ready)(struct stream *s, int events));

#endif
