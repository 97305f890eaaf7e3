"""What is loaded or worked out once for all pages.

What is kept between reruns is kept by ``st.cache_data`` and ``st.cache_resource``. A cached function takes the objects
that it works on as they are; ``hash_funcs`` names :func:`bstviz.ui.cache.loaded.identity_of` for each of their types
(:func:`bstviz.ui.cache.loading.identity_of_collection` for collections), so that a key costs no look at arrays.
"""
