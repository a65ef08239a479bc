"""Views: drawn like recordings and made of them, on the same clock."""
