#include "kindred/core/recipe.h"
