/*
 * Finds the word that somebody may have meant.
 */
#ifndef NEAP_APP_HINT_H
#define NEAP_APP_HINT_H

#include <stddef.h>

/*
 * The one of `words` that is nearest to `word`; NULL when none is near: more than two letters
 * differ, or half of them.
 */
const char *hint_nearest(const char *word, const char *const *words, size_t count);

#endif
