"""The geographic half of the resource base map: layers in GeoParquet, each from one declaration."""
