/*
 * The answer of a stream of HTTP/2, on its way to the client: its head as fields, its body as DATA when
 * the session asks for it, its trailers. The functions of struct client_ops that send, and the
 * session's events about it.
 */
#ifndef NEAP_PROXY_H2_SENDER_H
#define NEAP_PROXY_H2_SENDER_H

#include "proxy/h2_stream.h"

enum client_sent h2_sender_interim(struct client *client, struct str head);
enum client_sent h2_sender_answer(struct client *client, struct str head, struct client_body *b);
enum client_sent h2_sender_reply(struct client *client, struct str head, struct str text);
enum client_sent h2_sender_body(struct client *client, struct client_body *b);
size_t h2_sender_room(const struct client *client);
bool h2_sender_can_drain(const struct client *client);
bool h2_sender_is_blocked(const struct client *client);

size_t h2_sender_on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more);
void h2_sender_on_take(struct h2_session *s, void *stream, char *to, size_t n);

/* Bytes of it that wait. */
size_t h2_sender_waiting(const struct client_body *b);

/* Did the session take all that there is of it for now? What it asked for, it may take later. */
bool h2_sender_is_taken(const struct h2_client *c);

/* Heads are in the plane's scratch memory: their names become lower case there. */
bool h2_sender_read_head(struct h2_client *c, struct str head, struct h2_lines *l);

#endif
