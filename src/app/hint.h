/*
 * The word that somebody may have meant.
 */
#ifndef NEAP_APP_HINT_H
#define NEAP_APP_HINT_H

#include <stddef.h>

/*
 * The one of WORDS that is nearest to WORD, NULL when none is near (more than two letters, or half
 * of it, differ).
 */
const char *hint_nearest(const char *word, const char *const *words, size_t count);

#endif
