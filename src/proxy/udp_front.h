/*
 * A socket of a udp service: reads the datagrams of clients and gives each to its flow
 * (exchange/flow.h).
 */
#ifndef NEAP_PROXY_UDP_FRONT_H
#define NEAP_PROXY_UDP_FRONT_H

struct conf_listen;
struct service;
struct udp_front;

/* Has a descriptor of its own of that socket; fd stays the caller's. NULL: none is left, or no memory. */
struct udp_front *udp_front_create(struct service *s, const struct conf_listen *listen, int fd);

/* Reads, or no longer. Flows that came in here are answered in any case. */
void udp_front_start(struct udp_front *f);
void udp_front_stop(struct udp_front *f);

/* Its flows end. */
void udp_front_destroy(struct udp_front *f);

#endif
