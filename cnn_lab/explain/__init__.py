"""Why a network answers as it does: single units, attribution, surgery and near misses."""
