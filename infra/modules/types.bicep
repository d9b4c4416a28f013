@export()
@description('Who gets a role.')
type Principal = {
  @description('Object id. Empty for none.')
  id: string
  type: string
}
