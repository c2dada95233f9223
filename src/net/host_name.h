/* Names of hosts as clients of TLS send them (RFC 6066 §3, RFC 1123 §2.1). */
#ifndef NEAP_NET_HOST_NAME_H
#define NEAP_NET_HOST_NAME_H

#include "base/str.h"

/*
 * Writes a name in the one form that is compared: lower case, without the dot at its end, with a
 * terminating zero. False (TO = "") when it is no name of a host (an IP address is none, nor is
 * anything whose last label is a number), or does not fit into SIZE bytes.
 */
bool host_name_tidy(char *to, size_t size, struct str name);

#endif
