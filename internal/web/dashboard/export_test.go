package dashboard

// What tests of the pages over HTTP check them against.
var (
	AssetTypes   = assetTypes
	AssetAddress = frame{}.Asset
	AssetContent = asset
)
