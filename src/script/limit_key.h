/*
 * The keys of limits in their stores: eight bytes that stand for the limit's name, then what users
 * gave, or the client's address.
 */
#ifndef NEAP_SCRIPT_LIMIT_KEY_H
#define NEAP_SCRIPT_LIMIT_KEY_H

#include "base/str.h"
#include "script/abi.h"

/*
 * In *to, of that size, which has room for a digest at least. Clients choose keys: one that is longer
 * than the room is kept as its digest, so that none is too long to be limited.
 */
struct str limit_key_of(const uint32_t id[2], struct str key, char *to, size_t size);

/*
 * The same for the client of a request: IPv4, or IPv6 by /64. p NULL: it has no address (a unix
 * socket).
 */
struct str limit_key_of_client(const uint32_t id[2], const neap_request *r, char *to, size_t size);

#endif
