/*
 * The stream of one request on a connection over HTTP/2 (link.h), a row of net/stream.h: the text of the
 * request is written in one piece, and that of the answer is read. Its owner closes it whenever it
 * likes; if the answer is not whole, the request is cancelled.
 */
#ifndef NEAP_SCRIPT_LINK_STREAM_H
#define NEAP_SCRIPT_LINK_STREAM_H

#include "script/link.h"

/* Opens one in *s. false: no memory. */
bool link_stream_open(struct link *l, struct stream *s);

/* Is it such a stream? */
bool link_stream_is(const struct stream *s);

#endif
