/*
 * Services by name: the row is the same one for every worker and generation.
 */
#ifndef NEAP_SHM_BOARD_SERVICE_H
#define NEAP_SHM_BOARD_SERVICE_H

#include "base/str.h"

struct board;
struct board_service_cell;

/* The row of that service, made at first use; BOARD_NONE: all are taken. */
int board_service(struct board *b, struct str name);

/* A worker's own cell of the service at that place in the config. Never NULL. */
struct board_service_cell *board_service_cell(struct board *b, unsigned worker, unsigned place,
					      struct str name);

#endif
