"""What a host's or a farm's own interpreter loads.

``client`` starts the engine as another process and talks to it; ``document`` writes a shot document out of what a host
samples; ``nuke``, ``resolve`` and ``blender`` are the hosts. All of these use the standard library only, run on Python
3.9, and import each other relatively, because they are installed into hosts under the name ``rackfocus_plugin``.
"""
