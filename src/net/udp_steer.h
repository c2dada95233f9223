/*
 * Which of the sockets that share an address (SO_REUSEPORT) gets its datagrams: by their addresses, as
 * the kernel has it, or all of them one socket. For the flows of a client whose address changes, and for
 * the keys of its flows, are known to one worker.
 */
#ifndef NEAP_NET_UDP_STEER_H
#define NEAP_NET_UDP_STEER_H

#include <stdint.h>

/* All go to the socket of that number among those of fd's address, the first bound being 0. 0, or an errno. */
int udp_steer_to(int fd, uint32_t number);

/* As the kernel has it. */
void udp_steer_none(int fd);

#endif
