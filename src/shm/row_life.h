/*
 * The life of a generation, and how the last reload went. Written by the master alone.
 */
#ifndef NEAP_SHM_ROW_LIFE_H
#define NEAP_SHM_ROW_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_ERROR_WORDS = 128 };

struct board_life {
	_Atomic uint32_t generation;	/* from 1 */
	_Atomic int64_t started_ms;	/* wall clock: when neap was started */
	_Atomic int64_t began_ms;	/* when this generation began: its config sees this time */
	_Atomic int64_t serving_ms;	/* since when this generation serves; 0: not yet */
	_Atomic uint32_t reloads;	/* tried since the start */
	_Atomic uint32_t failures;	/* of them */
	_Atomic int64_t reload_ms;	/* when the last one ended; 0: there was none */
	_Atomic uint32_t is_failed;	/* 1: the last one failed, and board_life_error says why */
	_Atomic uint32_t error_version; /* its lowest bit: the current copy */
	_Atomic uint64_t error[2][BOARD_ERROR_WORDS];
	char config[256]; /* as the command line names it; written before any fork */
};

#endif
